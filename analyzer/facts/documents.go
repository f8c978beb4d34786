package facts

import "strings"

// IsDocument says whether a file is one of those whose content is kept as a [Document]: by name, in any folder.
func IsDocument(path string) bool {
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case ".gitattributes", // linguist's classes
		"OAT.xml", "README.OpenSource", // what is third-party, in OpenHarmony
		"bundle.json",                                                             // subsystem and component, in OpenHarmony
		"CODEOWNERS", "OWNERS", "OWNERS_ALIASES", "MAINTAINERS", "MAINTAINERS.md", // who guards what
		"INFO.yaml", "sig-info.yaml", // committers and maintainers with their organizations
		".mailmap":
		return true
	}
	return false
}
