"""Labelled pictures as users and other programs file them: archives, lists, exports of labelling programs."""
