"""Learn new classes on the device from the [CLS] features of a frozen backbone (TOSCA, arXiv 2502.14762)."""
