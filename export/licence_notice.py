"""Write the notice of the source and the licence of a bundle's weights."""

from edge_tosca.export.graph import BackboneGraph

_APACHE = """
Licensed under the Apache License, Version 2.0 (the "License"); you may not use this
file except in compliance with the License. You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software distributed under
the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY
KIND, either express or implied. See the License for the specific language governing
permissions and limitations under the License.
"""


def notice(model: BackboneGraph, precision: str) -> str:
    """Return the licence notice of a bundle.

    Args:
        model: the backbone.
        precision: of the graph.

    Returns:
        The text of the bundle's LICENSE file.
    """
    origin = ", ".join(f"{key} {value}" for key, value in model.source.items() if key != "sha256")
    lines = [
        f"Weights of {model.name}",
        f"Source: {origin}",
        *([model.copyright] if model.copyright else []),
        f"Licence: {model.licence}",
        f"Changed from the original: converted to an ONNX graph without classifier, precision {precision}.",
    ]
    return "\n".join(lines) + "\n" + (_APACHE if model.licence == "Apache-2.0" else "")
