"""The one tree of errors. Every message is a sentence that may be shown to a person.

DigitStudioError
├── InputError      an image, a picture file or an argument that can't be read
├── DataError       a data set
│   ├── DataMissing     not on this machine and not to be had
│   └── DataDamaged     found, but not what it should be
├── ModelError      a model file that is missing, altered or can't be run
├── RunError        a training that can't be started, found, or go on
├── StoreError      the database of runs and drawings can't be used
└── NotAllowed      it needs the passcode
"""


class DigitStudioError(Exception):
    """Base of all errors that this project raises on purpose."""


class InputError(DigitStudioError, ValueError):
    """An image, a picture file or an argument that can't be read."""


class DataError(DigitStudioError):
    """Something about a data set."""


class DataMissing(DataError):
    """A data set is not on this machine and could not be had."""


class DataDamaged(DataError):
    """A data file was found but does not hold what it should."""


class ModelError(DigitStudioError):
    """A model file is missing, altered or can't be run."""


class RunError(DigitStudioError):
    """A training can't be started, found, or go on."""


class StoreError(DigitStudioError):
    """The database of runs and drawings can't be used."""


class NotAllowed(DigitStudioError):
    """It needs the passcode, which was not given, or not the right one."""
