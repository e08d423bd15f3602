"""Class packs: learned classes in one signed file, for import into a store of the same backbone."""

from edge_tosca.packs.container import Pack, PackedTask, write_pack
from edge_tosca.packs.exporting import export_classes
from edge_tosca.packs.feature_checks import warnings_of
from edge_tosca.packs.importing import ImportReport, import_pack
from edge_tosca.packs.keys import SigningKey, load_public_key, make_key
from edge_tosca.packs.reading import read_pack
from edge_tosca.packs.trust import distrust, trust, trusted_keys

__all__ = [
    "ImportReport",
    "Pack",
    "PackedTask",
    "SigningKey",
    "distrust",
    "export_classes",
    "import_pack",
    "load_public_key",
    "make_key",
    "read_pack",
    "trust",
    "trusted_keys",
    "warnings_of",
    "write_pack",
]
