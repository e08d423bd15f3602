"""Pictures to features: folders of pictures, the backbone, and its compatibility with a store."""
