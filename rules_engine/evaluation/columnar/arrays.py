"""What columns are made of."""

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
