"""Run by master_test.py as an ordinary user: the whole way, with every process as that user."""

import os
import sys

from instance import Instance, wait_until

with Instance(directory=os.path.join(sys.argv[1], "host")) as mail:
    assert "every process runs as user id" in mail.log()
    assert "are not separated from the queue, from passwords and keys, or from each other" in mail.log()
    mail.send(subject="as one user")
    wait_until(lambda: mail.messages("alice"), "the message is in the mailbox")
    client = mail.imap("alice")
    assert int(client.select("INBOX")[1][0]) == 1
    client.logout()
