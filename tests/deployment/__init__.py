"""What a deployment is made of: rendered, held against schemas, and rehearsed."""
