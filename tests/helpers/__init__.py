"""What several tests share: small bundles and data, and the project's commands as processes."""
