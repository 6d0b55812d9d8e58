/** A file that cannot be imported; those that come after it in its worker are none the worse. */

throw new Error('cannot be imported');
