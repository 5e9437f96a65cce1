"""The only place that knows Ray: sessions, placement, pools and the driver."""
