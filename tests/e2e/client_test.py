"""Test classes that share one server of the bundled model."""

import unittest

from serve_tools import Server


class ClientTest(unittest.TestCase):
    """One server a class; FLAGS go to it, KEY is wanted of clients."""

    FLAGS = ()
    KEY = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        flags = list(cls.FLAGS)
        environment = {"HADAL_API_KEY": cls.KEY} if cls.KEY else {}
        cls.server = Server(*flags, key=cls.KEY, environment=environment)
        cls.server.start()
        cls.addClassCleanup(cls.server.kill)

    def expect_slots(self, phases):
        """What runs and waits, soon."""
        def found():
            return [slot["phase"] for slot in self.server.slots()] == phases
        self.assertTrue(self.server.wait_for(found, 5), self.server.slots())

    def expect_cancelled(self):
        """What was running ended soon after its client left."""
        self.assertTrue(self.server.wait_until_idle(5), self.server.slots())
