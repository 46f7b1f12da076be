import io
import os
import sys
import threading

from lsamatting.silence import silence


def test_nothing_of_this_thread_comes_through(capfd):
    with silence():
        print("from Python")
        os.write(2, b"from C")
    print("after")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("after\n", "")


def test_other_threads_print_on(capsys):
    def talk():
        print("still here")

    with silence():
        thread = threading.Thread(target=talk)
        thread.start()
        thread.join()
        print("not this")
    assert capsys.readouterr().out == "still here\n"


def test_many_threads_leave_the_stream_as_it_was():
    before = sys.stdout

    def work():
        for _ in range(50):
            with silence():
                print("unheard")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before


def test_a_stream_put_in_place_meanwhile_stays(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    other = io.StringIO()
    with silence():
        sys.stdout = other
    assert sys.stdout is other
