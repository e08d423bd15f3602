"""What stores, packs, modules and verbs gave once, and every later version must give again."""
