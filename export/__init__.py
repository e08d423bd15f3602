"""Export on a workstation: a timm or ONNX backbone to an INT8 bundle, with its fidelity measured."""

from edge_tosca.export.backbone import PRECISIONS, export_backbone, export_onnx
from edge_tosca.export.catalog import CATALOG, KnownBackbone, find_backbone

__all__ = ["CATALOG", "PRECISIONS", "KnownBackbone", "export_backbone", "export_onnx", "find_backbone"]
