"""behind.py URL TRANSPORTS: connects, and prints the transport it ends up with."""
import sys

import socketio

client = socketio.Client(reconnection=False, handle_sigint=False)
client.connect(sys.argv[1], transports=sys.argv[2].split(','), wait_timeout=10)
print(client.transport())
client.disconnect()
