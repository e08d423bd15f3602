"""Messages of two cameras with two regions each, judged by Home Assistant; `make homeassistant`."""
