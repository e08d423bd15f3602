"""What lives as long as the server: queue, jobs, camera, recent answers."""
