"""The product's settings: their types, their validation, their YAML form and command line."""
