"""What hub, terminals and nodes all speak. Runs on CPython and on MicroPython, and does no I/O.

messages  every frame, both ways: written, read, checked       session  a terminal's half of the conversation
jws       signed texts, HS256 and EdDSA                        receipt  what makes an event delivered
press     edges of a line to what happened                     light    what the wall light shows
clock     the hub's time, as a terminal can know it            merkle, note  proofs and signed checkpoints
"""
