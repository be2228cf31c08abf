"""Physics, data and pages behind the lessons of *Learning to See Soft Matter*."""
