# SPDX-License-Identifier: Apache-2.0
"""What Python's ssl does with key references; python-ssl.sh starts it.

usage: python_ssl.py CA NAME OTHER       a server NAME and clients, in threads; NAME.pem, NAME.crt, NAME.key and
                                         those of OTHER are in the current directory
       python_ssl.py --load FILE [KEY]   prints the exception, or "loaded"
"""
import socket
import ssl
import sys
import threading


def serve(listener, context, count):
    """Answers each of `count` connections with the subject of the client's certificate."""
    for _ in range(count):
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as tls:
                subject = tls.getpeercert()['subject'][0][0][1]
                tls.sendall(subject.encode())
        except OSError as error:  # the client's doing; it tells, too
            print('server:', error)


def ask(port, context, name):
    """The server's answer, and its certificate's serial number."""
    with socket.create_connection(('127.0.0.1', port), timeout=10) as connection:
        with context.wrap_socket(connection, server_hostname=name) as tls:
            return tls.recv(200).decode(), tls.version(), tls.getpeercert()['serialNumber']


def client_context(ca, files, version):
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(*files)
    context.minimum_version = context.maximum_version = version
    return context


def talk(ca, name, other):
    """Both roles, both versions, one file and two; then the server changes its certificate."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(f'{name}.pem')
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener, server, 5), daemon=True).start()
    for files in (f'{other}.pem',), (f'{name}.crt', f'{name}.key'):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            print(*ask(port, client_context(ca, files, version), name))
    server.load_cert_chain(f'{other}.pem')
    print(*ask(port, client_context(ca, files, version), other))


def load(files):
    try:
        ssl.create_default_context().load_cert_chain(*files)
    except Exception as error:  # whichever: the test looks at its type
        print(f'{type(error).__name__}: {error}')
    else:
        print('loaded')


if sys.argv[1] == '--load':
    load(sys.argv[2:])
else:
    talk(*sys.argv[1:])
