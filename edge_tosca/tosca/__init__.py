"""The paper's part: LuCA modules, their training, file format and entropy-based selection."""
