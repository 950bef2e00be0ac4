"""The host side: the service that shares devices, and the pump that carries their URBs."""
