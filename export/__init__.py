"""The workstation: timm backbone to ONNX to INT8, and the proof that it stayed faithful."""
