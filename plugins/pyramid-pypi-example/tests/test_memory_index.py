"""The storage of the example, behind a whole index."""

SETTINGS = {"pypi.repo.private.storage": "memory", "pypi.repo.private.storage.path": None}


def test_a_missing_project_is_404_at_once(pypi_index):
    index = pypi_index(plugins=["example"], settings=SETTINGS)

    index.get("/simple/nothing/", status=404)
