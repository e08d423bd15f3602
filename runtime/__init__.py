"""From pictures to features: decoding, preprocessing and inference on ONNX Runtime or OpenVINO."""

from edge_tosca.runtime.backend import RUNTIMES, Backend
from edge_tosca.runtime.built_in import BUILT_IN, DEFAULT_BUNDLE, bundle_folder, bundle_setting
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.extract import Extracted, extract, infinite_feature
from edge_tosca.runtime.fingerprint import Fingerprint, fingerprint, preprocessing_digest
from edge_tosca.runtime.golden import GOLDEN_FLOOR
from edge_tosca.runtime.golden_check import golden_cosines
from edge_tosca.runtime.hidden_files import is_hidden
from edge_tosca.runtime.named_picture import NamedPicture
from edge_tosca.runtime.open_backend import open_backend
from edge_tosca.runtime.picture_folders import (
    PassedOver,
    PictureListing,
    find_pictures,
    leads_back,
    list_pictures,
    look_at,
)
from edge_tosca.runtime.pictures import PictureSource, load_picture
from edge_tosca.runtime.preprocess import Preprocessing
from edge_tosca.runtime.references import read_references
from edge_tosca.runtime.verified_backend import VerifiedBackend, open_verified

__all__ = [
    "BUILT_IN",
    "DEFAULT_BUNDLE",
    "GOLDEN_FLOOR",
    "RUNTIMES",
    "Backend",
    "Bundle",
    "Extracted",
    "Fingerprint",
    "NamedPicture",
    "PassedOver",
    "PictureListing",
    "PictureSource",
    "Preprocessing",
    "VerifiedBackend",
    "bundle_folder",
    "bundle_setting",
    "extract",
    "find_pictures",
    "fingerprint",
    "golden_cosines",
    "infinite_feature",
    "is_hidden",
    "leads_back",
    "list_pictures",
    "load_picture",
    "look_at",
    "open_backend",
    "open_verified",
    "preprocessing_digest",
    "read_references",
]
