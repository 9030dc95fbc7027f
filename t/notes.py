"""
notes: a log and a witness to play against Gatehouse's: Ed25519 (RFC 8032),
signed notes and cosignatures (C2SP), RFC 6962 trees.  Written from the
specifications with the standard library alone, so that it shares nothing with
what it judges.
"""
import base64
import hashlib
import http.server
import ssl
import struct
import threading
import time

# --- Ed25519 ---------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _mul(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


def _point(y, sign):
    x = _x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE = _point(4 * pow(5, P - 2, P) % P, 0)


def _pack(p):
    z = pow(p[2], P - 2, P)
    return (p[1] * z % P | (p[0] * z % P & 1) << 255).to_bytes(32, "little")


def _unpack(b):
    y = int.from_bytes(b, "little")
    return _point(y & (1 << 255) - 1, y >> 255)


def _hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _secret(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    return a, h[32:]


def public(seed):
    return _pack(_mul(_secret(seed)[0], BASE))


def sign(seed, msg):
    a, prefix = _secret(seed)
    pub = public(seed)
    r = _hash(prefix, msg) % L
    big = _pack(_mul(r, BASE))
    s = (r + _hash(big, pub, msg) * a) % L
    return big + s.to_bytes(32, "little")


def verify(pub, msg, sig):
    a, r = _unpack(pub), _unpack(sig[:32])
    s = int.from_bytes(sig[32:], "little")
    if a is None or r is None or s >= L or len(sig) != 64:
        return False
    return _pack(_mul(s, BASE)) == \
        _pack(_add(r, _mul(_hash(sig[:32], pub, msg) % L, a)))


# --- keys and notes --------------------------------------------------------

def b64(b):
    return base64.b64encode(b).decode()


class Key:
    """type 1: a log's; 4: a witness's."""

    def __init__(self, name, kind=1, seed=None):
        self.name, self.kind = name, kind
        self.seed = seed or hashlib.sha256(f"{name}{kind}".encode()).digest()
        self.pub = public(self.seed)
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) +
                                 self.pub).digest()[:4]

    @property
    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.pub)}"

    def line(self, text, when=None):
        if self.kind == 4:
            when = int(time.time()) if when is None else when
            body = struct.pack(">Q", when) + sign(
                self.seed, f"cosignature/v1\ntime {when}\n{text}".encode())
        else:
            body = sign(self.seed, text.encode())
        return f"\u2014 {self.name} {b64(self.id + body)}\n"


def cosigned(vkey, note):
    """When the witness of this key cosigned the note; None: it did not."""
    name, ident, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[1] != name:
            continue
        sig = base64.b64decode(words[2])
        if sig[:4].hex() != ident or len(sig) != 76:
            continue
        when = struct.unpack(">Q", sig[4:12])[0]
        msg = f"cosignature/v1\ntime {when}\n{text}".encode()
        if raw[0] == 4 and verify(raw[1:], msg, sig[12:]):
            return when
    return None


# --- trees (RFC 6962 s.2.1) ------------------------------------------------

def node(a, b):
    return hashlib.sha256(b"\1" + a + b).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:k]), root(leaves[k:]))


def consistency(m, leaves, whole=True):
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def checks(old, old_root, size, new_root, proof):
    """Is the proof one of growth?  (RFC 9162 s.2.1.4.2)"""
    if old == size:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    proof = list(proof)
    if old & old - 1 == 0:
        proof.insert(0, old_root)
    if not proof:
        return False
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


class Log:
    """A log of numbers; fork: entries from there on are others."""

    def __init__(self, key, fork=None):
        self.key = key if isinstance(key, list) else [key]
        self.name = self.key[0].name
        self.fork = fork

    def leaves(self, n):
        return [hashlib.sha256(
            b"\0%d" % (i if self.fork is None or i < self.fork else -i)
        ).digest() for i in range(n)]

    def text(self, n, more=""):
        return f"{self.name}\n{n}\n{b64(root(self.leaves(n)))}\n{more}"

    def note(self, n, more=""):
        text = self.text(n, more)
        return text + "\n" + "".join(k.line(text) for k in self.key)

    def ask(self, old, n, **kw):
        """What a witness is sent."""
        proof = consistency(old, self.leaves(n)) if 0 < old < n else []
        return f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + \
            "\n" + self.note(n, **kw)


# --- a witness -------------------------------------------------------------

class Witness:
    """A witness over HTTP that checks proofs, and misbehaves when told: `says`
    (body, answer) may return (status, type, text) of its own."""

    def __init__(self, name, port=0, cert=None, says=None):
        self.key = Key(name, 4)
        self.says = says
        self.last = {}  # origin: (size, root)
        self.asked = []
        self.tls = cert
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                n = int(self.headers["Content-Length"])
                body = self.rfile.read(n).decode()
                outer.asked.append(body)
                answer = outer.judge(body)
                if outer.says:
                    answer = outer.says(body, answer) or answer
                status, kind, text = answer
                data = text.encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *a):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *a: None  # who asked went away
        if cert:
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            c.load_cert_chain(*cert)
            self.server.socket = c.wrap_socket(self.server.socket,
                                               server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def conf(self):
        return {"url": self.url, "key": self.key.vkey}

    def judge(self, body):
        head, _, note = body.partition("\n\n")
        lines = head.split("\n")
        old = int(lines[0][4:])
        text = note.rpartition("\n\n")[0] + "\n"
        origin, size, rest = text.split("\n")[:3]
        size, top = int(size), base64.b64decode(rest)
        known, known_root = self.last.get(origin, (0, None))
        if old != known:
            return 409, "text/x.tlog.size", f"{known}\n"
        if not checks(old, known_root, size, top,
                      [base64.b64decode(x) for x in lines[1:]]):
            return 422, "text/plain", "no\n"
        self.last[origin] = (size, top)
        return 200, "text/plain", self.key.line(text)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
