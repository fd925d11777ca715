"""stub"""


def near_duplicate_groups(images, *, existing=None, bus=None):
    raise NotImplementedError
