"""What USB is: identifiers, descriptors, SETUP packets and URBs. Pure code, standard library only."""
