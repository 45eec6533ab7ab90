"""A PC is on its network already: what firmware/node uses of MicroPython's `network`."""

STA_IF = 0


class WLAN:
    def __init__(self, interface: int) -> None:
        pass

    def active(self, on: bool) -> None:
        pass

    def isconnected(self) -> bool:
        return True

    def disconnect(self) -> None:
        pass

    def connect(self, ssid: str, password: str) -> None:
        pass

    def ifconfig(self, address: "tuple[str, ...]") -> None:
        pass
