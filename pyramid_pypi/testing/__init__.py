"""What authors of plugins test with; a small part is a pytest plugin that is active by itself.

========================================  ==========================================================
`pyramid_pypi.testing.storages`           `StorageContract`, the tests that every storage passes
`pyramid_pypi.testing.repositories`       `RepositoryContract` and `WritableContract`, the same for
                                          repositories
`pyramid_pypi.testing.authenticators`     `AuthenticatorContract` and `FakeAuthenticator`
`pyramid_pypi.testing.rules`              `RuleContract`, the tests that every rule passes
`pyramid_pypi.testing.upstream_contract`  `UpstreamContract`, the tests that every upstream passes
`pyramid_pypi.testing.upstreams`          `FakeUpstream`: an index on loopback that can go wrong
`pyramid_pypi.testing.artefacts`          `make_wheel`, `make_sdist`: distributions as bytes
`pyramid_pypi.testing.clients`            `compose_client`, `publish`: an index without a server
`pyramid_pypi.testing.clock`              `FakeClock`
`pyramid_pypi.testing.pytest_plugin`      the fixtures `pypi_wheel`, `pypi_index`, `pypi_publish`
                                          and `pypi_upstream`
========================================  ==========================================================

Nothing is imported here, because the pytest plugin is loaded in every test run of an environment
that has this library, also in those that are about something else.
"""

__all__: list[str] = []
