"""One cycle over ports: intake, item flow, pictures, delivery. Knows no Ray, no SQL, no HTTP."""
