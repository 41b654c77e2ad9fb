__all__ = ['ttypes', 'constants', 'Forebay']
