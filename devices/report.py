"""The doctor's findings on one screen: what there is, and below it what to do."""

from collections.abc import Sequence

from edge_tosca.devices.findings import Finding


def screen(findings: Sequence[Finding]) -> str:
    """Write the findings for people.

    Args:
        findings: what was looked at.

    Returns:
        One line a finding, then one line a thing to do, what is wrong first.
    """
    width = max((len(finding.what) for finding in findings), default=0)
    lines = [
        f"{'ok ' if finding.ok else 'BAD'} {finding.what:{width}}  {finding.detail}" for finding in findings
    ]
    todo = sorted((finding for finding in findings if finding.remedy), key=lambda finding: finding.ok)
    if todo:
        lines += ["", "What to do"]
        lines += [
            f"{number}. {finding.what}{'' if finding.ok else ' (needed)'}: {finding.remedy}"
            for number, finding in enumerate(todo, start=1)
        ]
    else:
        lines += ["", "Nothing to do."]
    return "\n".join(lines)
