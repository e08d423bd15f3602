"""This process: BLAS threads, the memory allocator, safe opening of files."""
