"""Files and folders that are not the user's: hidden ones, and those that systems make beside pictures."""

SYSTEM_NAMES = frozenset(
    {
        # Windows
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler"),
        *("system volume information", "found.000"),
        # macOS, and archives made with it
        *("__macosx", "icon\r", "network trash folder", "temporary items"),
        # network drives: Synology, QNAP and others
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp"),
        # Linux file systems; cards of Android; picture viewers and cameras
        *("lost+found", "lost.dir", "picasa.ini", "zbthumbnail.info", "pspbrwse.jbf", "autprint.mrk"),
    }
)


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or made by a system.

    Args:
        name: without its folder. A leading dot hides thumbnails, bins (.Trash-1000) and metadata (._a.jpg)
            too.
    """
    return name.startswith(".") or name.lower() in SYSTEM_NAMES
