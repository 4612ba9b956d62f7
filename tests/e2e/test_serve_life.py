"""The sockets of `hadal serve` and its life: what is no HTTP, TLS, how it starts,
stops and starts again."""

import shutil
import socket
import ssl
import subprocess
import time
import unittest

from client_test import ClientTest
from harness import ProgramTest, hadal, main
from serve_tools import ENDLESS, STORY, Server, long_text


class RawSockets(ClientTest):
    def status(self, data):
        """Of the answer to these bytes; 0 when the server hangs up instead."""
        with socket.create_connection(("127.0.0.1", self.server.bound_port), timeout=15) as link:
            link.sendall(data)
            line = link.recv(1000).split(b"\r\n")[0].split()
        return int(line[1]) if len(line) > 1 else 0

    def test_what_is_no_http(self):
        self.assertEqual(self.status(b"\x16\x03\x01 nonsense\r\n\r\n"), 400)
        self.assertIn(self.status(b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n"), (400, 505))

    def test_large_headers(self):
        head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100000 + b"\r\n\r\n"
        self.assertEqual(self.status(head), 431)

    def test_large_body_is_refused_before_it_is_sent(self):
        head = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n")
        self.assertEqual(self.status(head), 413)

    def test_a_foreign_host_name_is_refused(self):
        self.assertIn(self.status(b"GET /v1/models HTTP/1.1\r\nHost: rebound.example\r\n\r\n"), (403, 421))

    def test_the_server_lives_on(self):
        for data in (b"", b"\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nContent-Le",
                     b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"):
            with socket.create_connection(("127.0.0.1", self.server.bound_port)) as link:
                link.sendall(data)
        self.assertEqual(self.server.get("/health").status, 200)


@unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate")
class Tls(ProgramTest):
    def test_encrypted_answers(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        context = ssl.create_default_context(cafile=certificate)
        with Server("--tls-cert", certificate, "--tls-key", key, tls_context=context) as server:
            self.assertTrue(server.url.startswith("https://"))
            answer = server.chat("What is the capital of Norway?").json()
            self.assertEqual(answer["choices"][0]["message"]["content"], "The capital of Norway is Oslo.")
            # A client without TLS does not disturb the others.
            with socket.create_connection(("127.0.0.1", server.bound_port)) as link:
                link.sendall(b"GET /health HTTP/1.1\r\n\r\n")
            self.assertEqual(server.get("/health").status, 200)


class Life(ProgramTest):
    def test_terminate_while_answering(self):
        with Server() as server:
            body = {"messages": [{"role": "user", "content": STORY}]} | ENDLESS
            with server.stream("/v1/chat/completions", body) as stream:
                next(iter(stream))
                started = time.monotonic()
                self.assertEqual(server.stop(), 0, server.log())
                self.assertLess(time.monotonic() - started, 20)

    def test_a_taken_port_is_one_clear_line(self):
        with Server() as server:
            outcome = hadal("serve", "--port", server.bound_port)
            self.assertEqual(outcome.status, 1)
            self.assertIn(str(server.bound_port), outcome.err.splitlines()[-1])
            self.assertIn("hadal: error: ", outcome.err.splitlines()[-1])

    def test_wrong_flags(self):
        for flags in (["--port", "99999"], ["--cache-memory", "much"], ["--bogus"]):
            self.assertEqual(hadal("serve", *flags).status, 2, flags)

    def test_damaged_cache_files_are_computed_again(self):
        text = long_text(1500)
        folder = self.folder / "cache"
        flags = ("--cache-dir", folder)
        with Server(*flags) as server:
            first = server.chat(text, logprobs=True, max_tokens=20).json()
            server.stop()
        files = [f for f in folder.rglob("*") if f.is_file() and "sqlite" not in f.name and f.stat().st_size > 4096]
        self.assertTrue(files, list(folder.rglob("*")))
        for file in files:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)
        with Server(*flags) as server:
            again = server.chat(text, logprobs=True, max_tokens=20).json()
            self.assertEqual(again["choices"][0]["logprobs"], first["choices"][0]["logprobs"])
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    main()
