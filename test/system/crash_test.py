"""kill -9 of any process, or of all at once, at any moment under load: what was acknowledged arrives.

20 random kill points; 200 with MALLEPOSTE_LONG_TESTS=1 (./run-tests --long).
"""

import os
import random
import signal
import unittest

from instance import Instance, wait_until
from ledger import Ledger, port_answers

POINTS = 200 if os.environ.get("MALLEPOSTE_LONG_TESTS") else 20
DAEMONS = ["smtpd", "cleanup", "qmgr", "lmtp", "lmtpd", "lmtp-store", "auth"]


class Crash(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        seed = int(os.environ.get("MALLEPOSTE_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}, {POINTS} kill points")
        chance = random.Random(seed)
        settings = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
                    "service_throttle_time": "1s", "transport_retry_time": "1s", "message_size_limit": "1000000"}
        with Instance(main_cf=settings) as mail:
            ledger = Ledger(mail)
            ledger.start()
            for point in range(POINTS):
                # A moment under load: a number of further acknowledgements, not a time.
                goal = len(ledger.acknowledged) + chance.randrange(5, 40)
                wait_until(lambda: len(ledger.acknowledged) >= goal, f"messages are acknowledged after kill {point}", 60)
                self.kill(mail, chance)
            ledger.stop()
            self.assertGreater(len(ledger.acknowledged), POINTS)
            mail.run("postqueue", "-f", check=False)
            wait_until(lambda: not ledger.missing(), "all acknowledged messages arrive", 120)
            print(f"{len(ledger.acknowledged)} acknowledged, all arrived; {len(mail.messages('alice'))} files")

    def kill(self, mail, chance):
        if chance.random() < 0.25:
            self.kill_all(mail)
            return
        pids = mail.pids(chance.choice(DAEMONS))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def kill_all(self, mail):
        """The master first, so that nothing is started anew; then whoever is left, as a power cut would."""
        for name in ["master"] + DAEMONS + ["bounce", "imapd", "login", "showq", "pickup", "error"]:
            for pid in mail.pids(name):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        wait_until(lambda: not mail.pids("master"), "the old master is gone")
        mail.start()
        wait_until(lambda: port_answers(mail.port["smtp"]), "the port answers again")


if __name__ == "__main__":
    unittest.main()
