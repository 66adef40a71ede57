"""Run a file's unittest cases and print TAP, for Meson and script/summary.py.

    if __name__ == "__main__":
        tap.main()
"""

import signal
import sys
import unittest


class TapResult(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.number = 0

    def say(self, status, test, note=""):
        self.number += 1
        name = test.id().split(".")[-1].replace("_", " ")
        print(f"{status} {self.number} - {name.replace('#', '')}{note}",
              file=self.out, flush=True)

    def addSuccess(self, test):
        self.say("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("ok", test, f" # SKIP {reason}")

    def addError(self, test, err):
        super().addError(test, err)
        self.fail(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fail(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        """Of a test with failed parts, each is a line; good ones are none."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = (self.failures + self.errors)[-1:]
            if issubclass(err[0], test.failureException):
                failed = self.failures[-1:]
            self.say("not ok", test, f" {subtest._subDescription()}"
                     .replace("#", ""))
            for line in failed[0][1].splitlines():
                print(f"# {line}", file=self.out, flush=True)

    def fail(self, test, traceback):
        self.say("not ok", test)
        for line in traceback.splitlines():
            print(f"# {line}", file=self.out, flush=True)


def heed_signals():
    """Who runs the tests may ignore these, as nohup and a shell's "&" do, and so
    would all that they start."""
    for number in signal.SIGHUP, signal.SIGINT:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main(module="__main__"):
    heed_signals()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    print(f"1..{suite.countTestCases()}", flush=True)
    result = TapResult(sys.stdout)
    suite.run(result)
    if not suite.countTestCases():
        sys.exit(1)
    sys.exit(not result.wasSuccessful())
