"""The device: pictures to [CLS] features, on ONNX Runtime or OpenVINO."""
