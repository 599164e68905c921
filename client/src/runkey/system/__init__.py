"""How busy the machine is while a run goes on: CPU, memory, disk, network and graphics cards, every 15 seconds.

The names are the official client's (`system.cpu`, `system.proc.memory.rssMB`, `system.gpu.0.gpu`, ...), so that whatever draws its figures
draws ours. On Linux they are read from /proc; elsewhere psutil is asked, where it is installed; NVIDIA's cards where `nvidia-ml-py` is.
"""

from runkey.system.sampling import start

__all__ = ["start"]
