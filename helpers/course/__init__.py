"""The course: assignments with hidden tests, graders that are tested themselves, and the cycle of one class."""
