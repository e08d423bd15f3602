"""Format the doctor's findings as text: the results, then the remedies."""

from collections.abc import Sequence

from edge_tosca.devices.findings import Finding


def format_findings(findings: Sequence[Finding]) -> str:
    """Format findings for people.

    Args:
        findings: the results of all checks.

    Returns:
        One line for each finding, then one line for each remedy, those of failed checks first.
    """
    width = max((len(finding.what) for finding in findings), default=0)
    lines = [f"{_sign(finding)} {finding.what:{width}}  {finding.detail}" for finding in findings]
    remedies = sorted((finding for finding in findings if finding.remedy), key=lambda finding: finding.ok)
    if remedies:
        lines += ["", "What to do"]
        lines += [
            f"{number}. {finding.what}{'' if finding.ok else ' (needed)'}: {finding.remedy}"
            for number, finding in enumerate(remedies, start=1)
        ]
    else:
        lines += ["", "Nothing to do."]
    return "\n".join(lines)


def _sign(finding: Finding) -> str:
    if not finding.ok:
        return "BAD"
    return "ok " if finding.measured else " - "
