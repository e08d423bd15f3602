"""The workstation: timm backbone to ONNX to INT8, and the proof that it stayed faithful."""

from edge_tosca.export.backbone import PRECISIONS, export_backbone, export_onnx
from edge_tosca.export.catalog import CATALOG, KnownBackbone, find_backbone

__all__ = ["CATALOG", "PRECISIONS", "KnownBackbone", "export_backbone", "export_onnx", "find_backbone"]
