"""What people and programs look at: repositories, projects, releases, files and what happened to them."""
