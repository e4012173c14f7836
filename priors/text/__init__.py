"""Reading and writing text: strict YAML and XML, mistakes with their places, files."""
