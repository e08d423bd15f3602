import pytest

for package in ("torch", "timm", "onnx"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install 'edge-tosca[export]'")
