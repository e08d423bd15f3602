"""The boxes: profiles of the devices this runs on."""
