"""State that lives as long as the server: training queue, jobs, camera loop, recent answers."""
