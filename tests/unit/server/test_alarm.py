from pyramid_pypi.server.alarm import Alarm


class FakeTrigger:
    """A trigger whose `heard` is the turn of the loop that reads it."""

    def __init__(self):
        self.socket = object()
        self.pulled = []

    def pull_trigger(self, thunk):
        self.pulled.append(thunk)

    def heard(self):
        self.pulled[-1]()


def test_many_who_ring_pull_the_trigger_once():
    trigger = FakeTrigger()
    alarm = Alarm(trigger)
    for _ in range(50):
        alarm.ring()

    assert len(trigger.pulled) == 1


def test_it_rings_again_once_it_was_heard():
    trigger = FakeTrigger()
    alarm = Alarm(trigger)
    alarm.ring()
    trigger.heard()
    alarm.ring()

    assert len(trigger.pulled) == 2


def test_a_server_that_has_closed_is_left_alone():
    trigger = FakeTrigger()
    trigger.socket = None
    Alarm(trigger).ring()

    assert trigger.pulled == []
