"""A PC is on its network already: what firmware/node uses of MicroPython's `network`."""

STA_IF = 0


class WLAN:
    PM_NONE = 16

    def __init__(self, interface: int) -> None:
        pass

    def active(self, on: bool) -> None:
        pass

    def config(self, pm: int) -> None:
        pass

    def isconnected(self) -> bool:
        return True

    def status(self, what: str) -> int:
        return -50

    def disconnect(self) -> None:
        pass

    def connect(self, ssid: str, password: str) -> None:
        pass

    def ifconfig(self, address: "tuple[str, ...]") -> None:
        pass

    def ipconfig(self, dhcp4: bool) -> None:
        pass
